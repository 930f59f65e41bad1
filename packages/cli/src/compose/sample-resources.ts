/** The resources that a first start writes: something to call, and something to read and change. Later starts leave them alone. */

import { join } from "node:path";
import { writeOnce } from "./data-folder.ts";

export function writeSampleResources(folder: string, key: { hash: string; display: string }): void {
  writeOnce(join(folder, "gateway.yaml"), gateway);
  writeOnce(join(folder, "routes.yaml"), routes);
  writeOnce(join(folder, "key.yaml"), keyYaml(key));
}

const gateway = `# Where calls come in. Sluice watches this folder: save a file, and it is applied.
apiVersion: sluice.dev/v1alpha1
kind: Gateway
metadata:
  name: main
spec: {} # served under / and /api/inference, for keys of this namespace
`;

const routes = `# Which model name goes where. The most exact name wins.
# The providers "openai" and "anthropic" are built in: simulated, or the real ones while OPENAI_API_KEY or ANTHROPIC_API_KEY is set.
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata:
  name: openai
spec:
  models: [gpt-4o, gpt-4o-mini, text-embedding-3-small]
  targets:
    - name: openai
      providerRef: { name: openai }
---
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata:
  name: anthropic
spec:
  models: [claude-sonnet-4-5]
  targets:
    - name: anthropic
      providerRef: { name: anthropic }
---
# Every other name. The provider "simulator" answers in OpenAI's format, whatever the model is called.
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata:
  name: everything-else
spec:
  models: ["*"]
  targets:
    - name: simulator
      providerRef: { name: simulator }
`;

function keyYaml({ hash, display }: { hash: string; display: string }): string {
  return `# The key that the first start showed. Only its hash is kept. Another one: ./sluice keys create NAME
apiVersion: sluice.dev/v1alpha1
kind: VirtualKey
metadata:
  name: first
  annotations:
    sluice.dev/key-prefix: "${display}"
spec:
  subject: { team: demo }
  hash: ${hash}
`;
}

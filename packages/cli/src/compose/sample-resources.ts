/** The resources that a first start writes: something to call, and something to read and change. Later starts leave them alone. */

import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeOnce } from "./data-folder.ts";

/** The folder appears with all its files, so that a start that is cut off leaves either all or none. */
export function writeSampleResources(folder: string, key: { hash: string; display: string }): void {
  const draft = `${folder}.draft`;
  rmSync(draft, { recursive: true, force: true });
  makeFolder(draft);
  writeOnce(join(draft, "gateway.yaml"), gateway);
  writeOnce(join(draft, "routes.yaml"), routes);
  writeOnce(join(draft, "limits.yaml"), limits);
  writeOnce(join(draft, "key.yaml"), keyYaml(key));
  renameSync(draft, folder);
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
  models: [gpt-4o, gpt-4o-mini, text-embedding-3-small, "gpt-*", "o1*", "o3*", "o4-*", "text-embedding-*"]
  targets:
    - name: openai
      providerRef: { name: openai }
---
apiVersion: sluice.dev/v1alpha1
kind: Route
metadata:
  name: anthropic
spec:
  models: [claude-sonnet-4-5, "claude-*"]
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

const limits = `# No service spends more than this in a day, whatever it does at night. See: ./sluice describe budget default-daily
apiVersion: sluice.dev/v1alpha1
kind: Budget
metadata:
  name: default-daily
spec:
  per: [Service]
  limit: { usd: "50.00" }
  window: { calendar: Day }
  alerts:
    - atPercent: 50
    - atPercent: 80
    - atPercent: 95
---
# And no key makes more calls than this at once.
apiVersion: sluice.dev/v1alpha1
kind: RateLimit
metadata:
  name: default-concurrency
spec:
  per: [Key]
  limits:
    - name: calls
      concurrent: 32
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

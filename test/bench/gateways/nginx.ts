/** nginx as a plain reverse proxy: one worker, kept-alive upstream connections, no policy. Also the mock that answers JSON. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Gateway, model } from "./gateway.ts";
import { onPath } from "./on-path.ts";

const head = (folder: string) => `daemon off;
master_process off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log error;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_timeout 600s;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
`;

function nginxCommand(folder: string, config: string): string[] {
  const file = join(folder, "nginx.conf");
  writeFileSync(file, config);
  return ["nginx", "-p", folder, "-c", file, "-e", join(folder, "error.log")];
}

export const nginx: Gateway = {
  name: "nginx",
  what: "nginx as reverse proxy; nothing on",
  missing: () => (onPath("nginx") ? undefined : "nginx is not installed: apt-get install nginx-light"),
  prepare({ upstream, port, folder, streaming }) {
    const config = `${head(folder)}
  upstream mock { server ${upstream.replace("http://", "")}; keepalive 512; keepalive_requests 1000000000; keepalive_timeout 600s; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering ${streaming ? "off" : "on"}; }
  }
}
`;
    return {
      command: nginxCommand(folder, config),
      target: {
        url: `http://127.0.0.1:${port}/v1/chat/completions`,
        model,
        headers: { authorization: "Bearer sk-bench" },
      },
    };
  },
};

/** Answers every POST with one chat completion of about 600 bytes. */
export function jsonMockCommand(folder: string, port: number): string[] {
  const answer = JSON.stringify({
    id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
    object: "chat.completion",
    created: 1741569952,
    model: "gpt-4o-mini-2024-07-18",
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content:
            "A gateway is one address in front of many models. It checks who is calling, what they may spend and where the request should go.",
          refusal: null,
          annotations: [],
        },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: {
      prompt_tokens: 42,
      completion_tokens: 29,
      total_tokens: 71,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    },
    service_tier: "default",
    system_fingerprint: "fp_b0b0b0b0b0",
  });
  return nginxCommand(
    folder,
    `${head(folder)}  server { listen 127.0.0.1:${port} backlog=4096; default_type application/json; location / { return 200 '${answer}'; } }\n}\n`,
  );
}

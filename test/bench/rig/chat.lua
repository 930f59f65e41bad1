-- wrk script: one chat completion of about 400 bytes. BENCH_HEADERS: "name: value" pairs separated by "|".
-- Prints "RESULT {json}" at the end; latencies in microseconds.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
for pair in (os.getenv("BENCH_HEADERS") or ""):gmatch("[^|]+") do
  local name, value = pair:match("^%s*(.-):%s*(.*)$")
  if name then wrk.headers[name] = value end
end
wrk.body = os.getenv("BENCH_BODY")

function done(summary, latency, requests)
  local e = summary.errors
  print(string.format('RESULT {"requests":%d,"us":%d,"rps":%.1f,"p50":%d,"p99":%d,"badStatus":%d,"socketErrors":%d}',
    summary.requests, summary.duration, summary.requests / (summary.duration / 1e6),
    latency:percentile(50), latency:percentile(99), e.status, e.connect + e.read + e.write + e.timeout))
end

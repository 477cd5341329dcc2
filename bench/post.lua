-- SPDX-License-Identifier: Apache-2.0
-- wrk -s bench/post.lua URL -- FILE: posts the lines of FILE (JSON bodies) in turn, then prints one
-- line of JSON with what wrk has counted.

local requests = {}
local at = 0

function init(args)
  for body in io.lines(args[1]) do
    local headers = {["Content-Type"] = "application/json"}
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"rate":%.3f,"p50_us":%d,"p99_us":%d,"wrong_status":%d,"lost":%d,"late":%d}\n',
    summary.requests, summary.requests / summary.duration * 1e6,
    latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end

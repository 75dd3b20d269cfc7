-- Requests of BATCH events each, for wrk. The bodies (a few hundred at the default) are created
-- before the run, so that wrk uses little CPU. The collector does not check for duplicate events.
local batch = tonumber(os.getenv("BATCH") or "100")
local bodies = {}
local event = '{"specversion":"1.0","type":"it.affluenza.service-use.v1","source":"https://servizi.example.it","id":"0190e9a4-7b44-7c4e-9d54-%012x","time":"2026-03-20T10:00:00+01:00","data":{"ente":"c_d612","portal":"servizi-online","service":"visure-anagrafiche","kind":"plain","login":"spid-2","visitor":"%08x","client":{"user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36","country":"IT"}}}'

function setup(thread)
  number = (number or 0) + 1
  thread:set("thread_number", number)
end

function init(args)
  local id = thread_number * 100000000
  for body = 1, math.max(1, math.floor(20000 / batch)) do
    local lines = {}
    for line = 1, batch do
      id = id + 1
      lines[line] = event:format(id, id * 7919 % 4294967296)
    end
    bodies[body] = wrk.format("POST", "/v1/events", {
      ["Authorization"] = "Bearer " .. os.getenv("KEY"),
      ["Content-Type"] = "application/x-ndjson",
    }, table.concat(lines, "\n"))
  end
end

-- Milliseconds between a response and the next request, exponentially distributed with this mean.
local pause = tonumber(os.getenv("PAUSE_MS") or "0")
if pause > 0 then
  function delay()
    return math.floor(-math.log(1 - math.random()) * pause + 0.5)
  end
end

local at = 0
function request()
  at = at % #bodies + 1
  return bodies[at]
end

local refused = 0
function response(status)
  if status ~= 202 then
    refused = refused + 1
    if refused == 1 then io.stderr:write("answered with " .. status .. "\n") end
  end
end

function done(summary, latency)
  local seconds = summary.duration / 1000000
  local good = summary.requests - summary.errors.status
  io.write(string.format(
    "batch %d: %.0f requests/s, %.0f events/s accepted; ms p50 %.1f p99 %.1f max %.1f; %d other answers, %d broken\n",
    batch, good / seconds, good * batch / seconds, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, latency.max / 1000, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end

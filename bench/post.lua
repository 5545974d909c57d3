-- Posts the JSON of a file. In it @ID@ becomes another id a request, and @N@ another number; counting starts at the
-- second argument. The ids are ten thousand, after the third argument; @KEY@ and @PLACE@ are a stage, which is the other
-- one each time all of them were asked. Answers with errors are counted apart. At the end the figures are printed as JSON.

local template, fixed, number, offset
local threads = {}
local ids = 10000
refused = 0

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  local file = assert(io.open(arguments[1]))
  template = file:read("*a")
  file:close()
  number = tonumber(arguments[2])
  offset = tonumber(arguments[3])
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  if not template:find("@I?[DN]@") then
    fixed = wrk.format(nil, nil, nil, template)
  end
  if template:find("mutation", 1, true) then
    response = count_refused
  end
end

function count_refused(status, headers, body)
  if status == 200 and (body:find('"errors":', 1, true) or body:find('"userErrors":[{', 1, true)) then
    refused = refused + 1
  end
end

function request()
  if fixed then
    return fixed
  end
  number = number + 1
  local id = string.format("%026d", offset + number * 7919 % ids + 1)
  local is_first = math.floor(number / ids) % 2 == 0
  local body = template:gsub("@ID@", id):gsub("@N@", tostring(number))
    :gsub("@KEY@", is_first and "A" or "B"):gsub("@PLACE@", is_first and "1" or "2")
  return wrk.format(nil, nil, nil, body)
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("refused")
  end
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "bytes": %d, "errors": %d, "p50": %.3f, "p99": %.3f, "slowest": %.3f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, failed,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3
  ))
end

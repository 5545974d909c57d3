-- Posts the JSON of a file. In it @ID@ becomes another id a request, and @N@ another number; counting starts at the
-- second argument. At the end the figures are printed as JSON.

local template, fixed, number

function init(arguments)
  local file = assert(io.open(arguments[1]))
  template = file:read("*a")
  file:close()
  number = tonumber(arguments[2])
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  if not template:find("@I?[DN]@") then
    fixed = wrk.format(nil, nil, nil, template)
  end
end

function request()
  if fixed then
    return fixed
  end
  number = number + 1
  local body = template:gsub("@ID@", string.format("%026d", number * 7919 % 10000 + 1)):gsub("@N@", tostring(number))
  return wrk.format(nil, nil, nil, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "bytes": %d, "errors": %d, "p50": %.3f, "p99": %.3f, "slowest": %.3f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3
  ))
end

-- Sends the requests of a list in turn, and says in one line of JSON what came of them.
-- JOB names a file: one line "METHOD PATH BODYSIZE", then one token a line ("-" for none); with "order:" lines of
-- indices where tokens are not asked for one after the other.
local requests = {}
local order = nil
local at = 0

function init()
  local method, path, size
  local tokens = {}
  for line in io.lines(os.getenv('JOB')) do
    if not method then
      method, path, size = line:match('^(%S+) (%S+) (%d+)$')
    elseif line:sub(1, 6) == 'order:' then
      order = {}
      for index in line:gmatch('%d+') do order[#order + 1] = tonumber(index) end
    else
      tokens[#tokens + 1] = line
    end
  end
  local body = tonumber(size) > 0 and string.rep('x', tonumber(size)) or nil
  for i, token in ipairs(tokens) do
    local headers = { ['User-Agent'] = 'wrk', ['Accept'] = '*/*' }
    if token ~= '-' then headers['Authorization'] = 'Bearer ' .. token end
    if body then headers['Content-Type'] = 'application/octet-stream' end
    requests[i] = wrk.format(method, path, headers, body)
  end
end

function request()
  at = at + 1
  if order then
    if at > #order then at = 1 end
    return requests[order[at]]
  end
  if at > #requests then at = 1 end
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"p999":%d,"statuses":%d,"broken":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end

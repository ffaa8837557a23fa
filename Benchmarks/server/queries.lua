-- Requests for wrk: the queries of a file (one a line, percent-encoded), each thread from a place of its own, so that
-- neither side answers the same query twice in a row.
local queries = {}
for line in io.lines(os.getenv("QUERIES")) do queries[#queries + 1] = line end
local threads = 0

function setup(thread)
  thread:set("first", threads * 1000)
  threads = threads + 1
end

function init(args) next_query = first end

function request()
  next_query = next_query % #queries + 1
  return wrk.format("GET", "/api/search?limit=10&all=true&q=" .. queries[next_query])
end

local failed = 0
function response(status) if status ~= 200 then failed = failed + 1 end end

function done(summary, latency)
  print(string.format('{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status + summary.errors.read + summary.errors.timeout + summary.errors.connect))
end

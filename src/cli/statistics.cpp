#include "cli/statistics.hpp"

#include "client/decode.hpp"

namespace nsenterd::cli {

template <class Fields, wire::Describes<MessageCounts> Payload>
void describe(Fields& fields, Payload& counts) {
  fields.text("message", counts.message);
  fields.integer("requests", counts.requests);
  fields.integer("errorResponses", counts.error_responses);
  fields.integer("failures", counts.failures);
  fields.integer("medianMicroseconds", counts.median);
  fields.integer("p99Microseconds", counts.p99);
}

template <class Fields, wire::Describes<StepTimes> Payload>
void describe(Fields& fields, Payload& times) {
  fields.text("step", times.step);
  fields.integer("count", times.count);
  fields.integer("medianNanoseconds", times.median);
  fields.integer("p99Nanoseconds", times.p99);
}

template <class Fields, wire::Describes<TargetCounts> Payload>
void describe(Fields& fields, Payload& counts) {
  fields.integer("pid", counts.pid, 0);
  fields.integer("requests", counts.requests);
  fields.integer("errorResponses", counts.error_responses);
  fields.integer("failures", counts.failures);
  fields.integer("totalMicroseconds", counts.total);
}

template <class Fields, wire::Describes<Statistics> Payload>
void describe(Fields& fields, Payload& statistics) {
  fields.integer("uptimeSeconds", statistics.uptime);
  fields.integer("agentsRunning", statistics.running);
  fields.integer("agentsWarm", statistics.warm);
  fields.integer("agentsStuck", statistics.stuck);
  fields.integer("clients", statistics.clients);
}

namespace {

template <class Row>
bool decode_list(const wire::Json& reply, const char* name, std::vector<Row>& rows) {
  const auto list = reply.find(name);
  auto decoded = list == reply.end() ? std::nullopt : client::decode<std::vector<Row>>(*list);
  if (decoded) rows = std::move(*decoded);
  return decoded.has_value();
}

}  // namespace

std::optional<Statistics> decode_statistics(const wire::Json& reply) {
  auto statistics = client::decode<Statistics>(reply);
  const bool complete = statistics && decode_list(reply, "messages", statistics->messages) &&
                        decode_list(reply, "steps", statistics->steps) &&
                        decode_list(reply, "targets", statistics->targets);
  return complete ? std::move(statistics) : std::nullopt;
}

}  // namespace nsenterd::cli

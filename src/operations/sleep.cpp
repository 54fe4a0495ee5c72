// sleepRequest: stays for a number of seconds, to hold a place in the namespaces (agent).
#include <cerrno>
#include <ctime>

#include "operations/operation.hpp"

namespace nsenterd::operations {
namespace {

struct SleepRequest {
  std::uint32_t seconds = 0;
};

template <class Fields, wire::Describes<SleepRequest> Payload>
void describe(Fields& fields, Payload& request) {
  fields.decimal("attr", request.seconds);
}

struct Sleep {
  using Request = SleepRequest;
  using Response = Text;

  static Result<Response> run(const Request& request, const Context& /*context*/) {
    timespec left{static_cast<time_t>(request.seconds), 0};
    while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
    return Text{};
  }
};

}  // namespace

extern const Operation kSleep;
const Operation kSleep = make_operation<Sleep>("sleepRequest", "sleepResponse");

}  // namespace nsenterd::operations

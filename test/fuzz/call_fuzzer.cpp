// Fuzzes what a client's bytes go through before anything is forked: a call, SendRequest's parameters, a payload.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/send_request.hpp"
#include "operations/table.hpp"
#include "varlink/call_message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto call = nsenterd::varlink::decode_call({reinterpret_cast<const char*>(data), size});
  if (!call) return 0;
  const auto parameters = nsenterd::daemon::decode_send_request(call->parameters);
  if (!parameters) return 0;
  const auto* operation = nsenterd::operations::find_operation(parameters->request.type);
  if (operation == nullptr) return 0;
  const auto checked = operation->check(parameters->request.payload);
  // What has been understood is understood again, and as the same.
  if (checked) {
    const auto again = operation->check(checked->payload);
    if (!again || again->payload != checked->payload) std::abort();
  }
  return 0;
}

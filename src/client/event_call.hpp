// SendRequest as a call, and what it is answered with (client's side).
#pragma once

#include <string>

#include <sys/types.h>

#include <nsenterd/client_failure.hpp>
#include <nsenterd/envelope.hpp>
#include <nsenterd/message.hpp>

#include "client/reply.hpp"

namespace nsenterd::client {

/// InvalidParameter where a string of the request is not UTF-8, which is all that JSON can carry. An asynchronous event asks for "more".
ClientResult<OutgoingCall> make_event_call(const Envelope& envelope, const Message& request, bool async);

/// A call of another method. `parameters` is an object.
ClientResult<OutgoingCall> make_method_call(const std::string& method, const wire::Json& parameters);

/// When no answer is to be expected any more: the daemon gets a little longer than the event has.
Deadline deadline_of(const Envelope& envelope);
/// The same of a call that is no event.
Deadline deadline_of_method();

/// The responses that a reply brings.
ClientResult<Response> take_response(Reply reply);

/// The first reply to an asynchronous event.
struct StartedEvent {
  std::string name;
  pid_t process_id = 0;
};
ClientResult<StartedEvent> take_started(const Reply& reply);

ClientResult<wire::Json> take_parameters(Reply reply);

/// What came instead of a reply, as the library's users know it.
ClientFailure to_failure(CallError error);
/// What is no reply of nsenterd's.
ClientFailure malformed_reply();

}  // namespace nsenterd::client

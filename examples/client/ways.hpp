// What can be done with a request besides waiting for its response. As in messages.hpp, but that each function is about the call, and
// might as well be about another message.
#pragma once

#include <string>

#include "container.hpp"

namespace client_messages {

// envelopes.cpp: whose namespaces, for whom, and what follows
std::string target_by_pidfd(Container& container);
std::string namespaces_held_open(Container& container);
std::string on_behalf(Container& container);
std::string several_requests(Container& container);

// failures.cpp: what is no answer
std::string operation_failed(Container& container);
std::string timed_out(Container& container);
std::string cancelled(Container& container);

// asynchronous.cpp: without blocking
std::string with_callback(Container& container);
std::string with_coroutine(Container& container);
std::string with_future(Container& container);
std::string cancelled_by_slot(Container& container);

// events.cpp: what goes on by itself
std::string event_as_target(Container& container);
std::string response_of_event(Container& container);

}  // namespace client_messages

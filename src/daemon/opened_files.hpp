// Namespaces and directories that a client has opened for its event (daemon).
#pragma once

#include <vector>

#include <nsenterd/event.hpp>

#include "base/foreign_fd.hpp"
#include "daemon/send_request.hpp"
#include "varlink/call.hpp"

namespace nsenterd::daemon {

/// Claims the descriptors that the parameters name, and enters them into those of the event. They belong to what is returned, which is
/// to be kept until the event has been sent. Each has one purpose: fails with a parameter whose index is that of no descriptor, or of
/// one that another parameter has named.
Result<std::vector<base::ForeignFd>> take_opened_files(varlink::Call& call,
                                                       const SendRequestParameters& parameters,
                                                       EventParameters& event);

}  // namespace nsenterd::daemon

// The parameters of io.nsenterd's methods (daemon).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boost/system/result.hpp>

#include <nsenterd/message.hpp>
#include <nsenterd/namespaces.hpp>

#include "wire/json.hpp"

namespace nsenterd::daemon {

struct SendRequestParameters {
  /// The target: one of the three at most, and one at least unless there are namespace_descriptors.
  std::optional<std::int32_t> pid;
  std::optional<std::uint32_t> pid_descriptor;
  std::optional<std::string> target_event;
  /// Indices of descriptors that came with the call.
  NamespaceDescriptors namespace_descriptors;
  std::optional<std::uint32_t> root_descriptor;
  std::optional<std::uint32_t> working_directory_descriptor;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  Namespaces namespaces;
  std::uint64_t clone_flags = 0;
  bool async = false;
  bool fresh_agent = false;
  std::optional<std::chrono::milliseconds> timeout;
  Message request;
  std::vector<Message> following_requests;
};

/// A parameter that is missing, wrong or unknown, by its path.
struct BadParameter {
  std::string name;
};
[[noreturn]] void throw_exception_from_error(const BadParameter& error, const boost::source_location& where);

/// The one parameter of methods that are about an event: its name.
boost::system::result<std::string, BadParameter> decode_event_name(const wire::Json& parameters);

/// Decodes the parameters; the requests are moved out of them.
boost::system::result<SendRequestParameters, BadParameter> decode_send_request(wire::Json& parameters);

}  // namespace nsenterd::daemon

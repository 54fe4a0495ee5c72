#include "cli/session.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>

#include "base/errno_name.hpp"
#include "cli/arguments.hpp"
#include "cli/error_text.hpp"
#include "cli/target_namespaces.hpp"
#include "client/event_call.hpp"

namespace nsenterd::cli {
namespace {

client::Deadline deadline_of(const Options& options) {
  return client::deadline_of({.timeout = options.timeout});
}

}  // namespace

Stop unexpected_answer(std::string_view what) {
  return {ExitStatus::no_answer, "the daemon's answer is not understood: " + std::string(what)};
}

Outcome<void> Session::connect() {
  if (connection_) return {};
  auto connection = client::Connection::connect(options_->socket, deadline_of(*options_));
  if (!connection) {
    return Stop{ExitStatus::no_answer, options_->socket + ": " + call_error_text(connection.error())};
  }
  connection_ = std::move(*connection);
  if (progress_.is_wanted()) connection_->while_waiting([this] { progress_.tick(); });
  return {};
}

Outcome<client::Reply> Session::call(std::string_view method, const wire::Json& parameters,
                                     std::span<const int> descriptors) {
  if (auto connected = connect(); !connected) return connected.error();
  auto reply = connection_->call(method, parameters, descriptors, deadline_of(*options_));
  // The next one has a connection of its own then.
  if (!connection_->is_usable()) connection_.reset();
  if (!reply) return Stop{ExitStatus::no_answer, call_error_text(reply.error())};
  return std::move(*reply);
}

Outcome<void> Session::follow(std::string_view method, const wire::Json& parameters,
                              const std::function<Outcome<void>(const wire::Json& reply)>& each) {
  if (auto connected = connect(); !connected) return connected.error();
  auto reply = connection_->call_more(method, parameters, deadline_of(*options_));
  for (;;) {
    if (!reply) return Stop{ExitStatus::no_answer, call_error_text(reply.error())};
    if (auto done = each(reply->parameters); !done) return done.error();
    if (!reply->continues) return {};
    reply = connection_->receive(client::Deadline::max());
  }
}

wire::Json Session::event_parameters(wire::Json request) const {
  wire::Json parameters = wire::Json::object();
  parameters["pid"] = options_->pid;
  parameters["namespace"] = list_names(options_->namespaces.value_or(known_namespaces()));
  if (options_->clone_flags) parameters["cloneFlags"] = options_->clone_flags->flags();
  if (uid_) parameters["uid"] = *uid_;
  if (gid_) parameters["gid"] = *gid_;
  if (options_->timeout) parameters["timeoutMilliseconds"] = options_->timeout->count();
  parameters["request"] = std::move(request);
  return parameters;
}

Outcome<Response> Session::send_request(wire::Json request, std::vector<wire::Json> following) {
  wire::Json parameters = event_parameters(std::move(request));
  if (!following.empty()) parameters["followingRequests"] = std::move(following);
  std::vector<UniqueFd> directories;
  std::vector<int> descriptors;
  for (const auto& [name, path] :
       {std::pair("rootFileDescriptor", options_->root),
        std::pair("workingDirectoryFileDescriptor", options_->working_directory)}) {
    if (!path) continue;
    UniqueFd directory(::open(path->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return Stop{ExitStatus::usage, *path + ": " + base::errno_text(errno)};
    parameters[name] = descriptors.size();
    descriptors.push_back(directory.get());
    directories.push_back(std::move(directory));
  }
  const Progress::Request shown(progress_, options_->timeout);
  auto reply = call("io.nsenterd.SendRequest", parameters, descriptors);
  if (!reply) return reply.error();
  auto response = client::take_response(std::move(*reply));
  if (!response) return unexpected_answer("response");
  return std::move(*response);
}

wire::Json to_json(const Message& message) {
  wire::Json value = wire::Json::object();
  value["message"] = message.type;
  value["payload"] = message.payload;
  return value;
}

}  // namespace nsenterd::cli

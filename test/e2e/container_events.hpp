// Events in a container of runc's, with a user namespace or without one, and a look at what they did from
// outside.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "support/container.hpp"
#include "watched_daemon.hpp"

namespace nsenterd::test {

using UserNamespace = RuncContainer::UserNamespace;

/// Parameters that join all of a container's namespaces but its user namespace, so that the agent stays root
/// of the host.
inline const Json kAllButUser = {{"namespace", {"mnt", "pid", "net", "ipc", "uts", "cgroup"}}};

class ContainerEvents : public WatchedDaemon {
 public:
  explicit ContainerEvents(UserNamespace kind) : kind_(kind), container_(kind) {}

  [[nodiscard]] const RuncContainer& container() const { return container_; }
  [[nodiscard]] pid_t pid() const { return container_.pid(); }
  [[nodiscard]] bool is_mapped() const { return kind_ == UserNamespace::mapped; }

  /// The id of the host that a user or group of the container is.
  [[nodiscard]] uid_t on_host(uid_t id) const { return is_mapped() ? RuncContainer::kFirstId + id : id; }
  /// Parameters for a request on behalf of a user of the container's.
  [[nodiscard]] Json as(uid_t uid, gid_t gid) const { return {{"uid", on_host(uid)}, {"gid", on_host(gid)}}; }
  /// What the host calls a path of the container's, what is mounted there included. Absolute symbolic links
  /// on the way would lead astray.
  [[nodiscard]] std::filesystem::path outside(const std::string& path) const {
    return proc_path(pid(), "root") + path;
  }

  /// The response, whatever it is.
  Json response(const Json& message, const Json& parameters = Json::object());
  /// The payload of the response that is named after the request.
  Json payload(const Json& message, const Json& parameters = Json::object());
  /// The errno of the errorResponse, 0 if it is another response; checks that a failure leaves nothing.
  int error(const Json& message, const Json& parameters = Json::object());

  std::string blamed(const Json& message) { return WatchedDaemon::blamed(pid(), message); }
  /// As blamed, with a number instead of the string kNumber in the message: one that no Json holds.
  std::string blamed(const Json& message, std::string_view number);
  static constexpr char kNumber[] = "NUMBER";

 private:
  UserNamespace kind_;
  RuncContainer container_;
};

/// The bytes of a field, which are null if there are none.
std::string bytes_in(const Json& field);
std::string base64_of(std::string_view bytes);

}  // namespace nsenterd::test

// What a test of one message begins with: a container, a daemon, and a client of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "support/container.hpp"
#include "support/daemon.hpp"

namespace nsenterd::test {

/// On whose behalf a request is made. Ids are as the container numbers them.
struct Personality {
  std::string root = "/";
  std::string cwd = "/";
  std::uint64_t capabilities = 0;
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;

  /// The payload's header.
  [[nodiscard]] Json header() const;
};

/// Which error a reply is; empty if it is none.
inline std::string error_of(const Json& reply) {
  return reply.value("error", "");
}

class ServedContainer {
 public:
  using Kind = RuncContainer::UserNamespace;

  explicit ServedContainer(Kind kind);

  [[nodiscard]] const RuncContainer& container() const { return container_; }
  Daemon& daemon() { return daemon_; }
  RawClient& client() { return client_; }

  /// The host's number for an id of the container.
  [[nodiscard]] uid_t host_id(uid_t id) const {
    return kind_ == Kind::mapped ? RuncContainer::kFirstId + id : id;
  }
  /// Every capability that an agent in the container can have.
  [[nodiscard]] std::uint64_t all_capabilities() const;
  /// The host's path of a file of the container, given by its absolute path inside.
  [[nodiscard]] std::filesystem::path path(const std::string& inside) const {
    return container_.root().native() + inside;
  }

  /// Makes a file, or replaces its content. Owner and group are as the container numbers them.
  void put_file(const std::string& inside, const std::string& content, mode_t mode = 0644, uid_t owner = 0,
                gid_t group = 0) const;
  void put_directory(const std::string& inside, mode_t mode = 0755, uid_t owner = 0, gid_t group = 0) const;

  /// Parameters of SendRequest.
  [[nodiscard]] Json parameters(const Json& message, const Personality& personality = {}) const;
  /// The reply to a request, whatever it is.
  Json reply(const Json& message, const Personality& personality = {}, Json more_parameters = Json::object());
  /// The response to a request; throws std::runtime_error if the reply is an error.
  Json response(const Json& message, const Personality& personality = {});
  /// The errno of an errorResponse; 0 for any other response.
  int error(const Json& message, const Personality& personality = {});

  /// Whether the daemon has, within five seconds, no agent and no more descriptors than when this was made.
  [[nodiscard]] bool nothing_left() const;

 private:
  Kind kind_;
  RuncContainer container_;
  Daemon daemon_;
  RawClient client_;
  std::size_t descriptors_ = 0;
};

}  // namespace nsenterd::test

// A seccomp agent of one's own, and containers under its profile.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/container.hpp"
#include "support/daemon.hpp"

namespace nsenterd::test {

/// A file with a policy; removed when destroyed.
class PolicyFile {
 public:
  explicit PolicyFile(const std::string& text);
  PolicyFile(const PolicyFile&) = delete;
  PolicyFile& operator=(const PolicyFile&) = delete;
  ~PolicyFile();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// seccomp-agent, with this policy.
class SeccompAgent {
 public:
  explicit SeccompAgent(const std::string& policy);

  ServerProcess& process() { return process_; }
  [[nodiscard]] const ServerProcess& process() const { return process_; }
  [[nodiscard]] std::string log() const { return process_.log(); }
  /// How many descriptors it has open, and how many children, dead ones included.
  struct Holdings {
    std::size_t descriptors = 0;
    std::size_t children = 0;
    friend bool operator==(const Holdings&, const Holdings&) = default;
  };
  [[nodiscard]] Holdings holdings() const;
  /// Whether it has, within some seconds, no more than that.
  [[nodiscard]] bool holds_only(const Holdings& before) const;

 private:
  PolicyFile policy_;
  ServerProcess process_;
};

/// Waits for the log to say this so many times.
bool says(const SeccompAgent& agent, const std::string& text, std::size_t times = 1);

/// What differs between containers under a profile.
struct Profile {
  /// Which calls are notified.
  std::vector<std::string> calls;
  std::string metadata;
  /// Besides those that RuncContainer has.
  std::vector<std::string> capabilities;
  /// Whether /proc has its masks.
  bool masks_proc = true;
};

/// A container whose profile names the agent. The program "probe" is in its /bin.
class ProfiledContainer : public RuncContainer {
 public:
  ProfiledContainer(UserNamespace user_namespace, const SeccompAgent& agent, const Profile& profile);

  /// What the probe prints, without the end of the line, run under the profile (probe.cpp). Throws std::runtime_error if it fails.
  [[nodiscard]] std::string probe(const std::vector<std::string>& arguments,
                                  const std::vector<std::string>& options = {}) const;
  /// Starts the probe under the profile and does not wait for it. Its process, as the host numbers it.
  [[nodiscard]] pid_t start_probe(const std::vector<std::string>& arguments) const;
  /// The host's path of a file of the container.
  [[nodiscard]] std::filesystem::path path(const std::string& inside) const {
    return root().native() + inside;
  }
  /// A directory that everybody may write to, or that only its owner may.
  void put_directory(const std::string& inside, uid_t owner, mode_t mode) const;
  [[nodiscard]] uid_t host_id(uid_t id) const { return first_id_ + id; }

 private:
  uid_t first_id_;
};

}  // namespace nsenterd::test

// Real containers to enter.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <nlohmann/json.hpp>

#include "support/command.hpp"
#include "support/temporary_directory.hpp"

namespace nsenterd::test {

/// A running container. Its destructor ends it and leaves nothing behind.
class Container {
 public:
  Container() = default;
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;
  virtual ~Container() = default;

  /// The container's process 1, as this process's pid namespace numbers it.
  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Runs a program inside, with nsenter(1): in all of the container's namespaces, as root of its user
  /// namespace.
  [[nodiscard]] CommandResult exec(std::vector<std::string> arguments) const;
  /// As exec, of a program that succeeds; throws std::runtime_error if it does not.
  [[nodiscard]] std::string output_of(std::vector<std::string> arguments) const;
  /// Runs a line of shell inside.
  std::string shell(const std::string& line) const { return output_of({"/bin/sh", "-c", line}); }

 protected:
  pid_t pid_ = 0;

 private:
  [[nodiscard]] std::vector<std::string> entered(std::vector<std::string> arguments) const;
};

/// A container made by runc: busybox as its root, the default masked and read-only paths below /proc and
/// /sys.
class RuncContainer : public Container {
 public:
  enum class UserNamespace {
    /// Root of the container is root of the host.
    none,
    /// 65,536 ids from kFirstId on.
    mapped,
  };
  static constexpr uid_t kFirstId = 100000;

  /// Changes the container's config.json.
  using Edit = std::function<void(nlohmann::json& config)>;

  explicit RuncContainer(UserNamespace user_namespace, const Edit& edit = {});
  ~RuncContainer() override;

  /// The host's path of the container's root: what is put there appears inside.
  [[nodiscard]] std::filesystem::path root() const { return bundle_ / "rootfs"; }
  /// Gives a file below root() to the container's root.
  void hand_over(const std::filesystem::path& file) const;

  /// Runs a program inside as the runtime does (`runc exec`), as the container's config.json says: with its capabilities and its
  /// seccomp profile.
  [[nodiscard]] CommandResult exec_configured(const std::vector<std::string>& arguments,
                                              const std::vector<std::string>& options = {}) const;
  /// The same, without waiting for it. The process, as the host numbers it; it ends with the container.
  [[nodiscard]] pid_t start_configured(const std::vector<std::string>& arguments) const;

  /// As who runs containers ends one: `runc kill`, and `runc delete` once it is stopped (which it refuses before).
  [[nodiscard]] CommandResult kill() const { return run(runc({"kill", name_, "KILL"})); }
  [[nodiscard]] CommandResult remove_stopped() const { return run(runc({"delete", name_})); }

 private:
  void make_bundle(const Edit& edit);
  void make_root() const;
  void start();
  void remove() noexcept;
  /// As run(), of what keeps its standard streams, so that these must not be our pipes; they go to a file beside the root.
  [[nodiscard]] CommandResult run_detached(std::vector<std::string> runc_arguments) const;
  [[nodiscard]] std::vector<std::string> runc(std::vector<std::string> arguments) const;

  UserNamespace user_namespace_;
  std::string name_;
  TemporaryDirectory bundle_;
};

/// Processes in new namespaces of all eight kinds, made by unshare(1); the files are the host's.
class UnshareContainer : public Container {
 public:
  /// `user` makes it, and owns its user namespace.
  explicit UnshareContainer(uid_t user = 0);
  ~UnshareContainer() override;

 private:
  void end() noexcept;

  pid_t unshare_ = 0;
};

}  // namespace nsenterd::test

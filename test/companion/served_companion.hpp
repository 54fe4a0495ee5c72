// A companion of one's own, and containers whose /proc/sys, /proc/uptime and /proc/swaps come from it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/command.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"
#include "support/temporary_directory.hpp"

namespace nsenterd::test {

/// procfs-companion, which asks that daemon.
class Companion {
 public:
  explicit Companion(const Daemon& daemon);
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;
  ~Companion();

  ServerProcess& process() { return process_; }
  [[nodiscard]] const ServerProcess& process() const { return process_; }
  /// Where the trees are mounted, each in a directory of its container's name.
  [[nodiscard]] const std::filesystem::path& root() const { return root_.path(); }
  /// Runs a command of procfs-companion, such as {"add", "name"}.
  [[nodiscard]] CommandResult command(std::vector<std::string> arguments) const;

 private:
  TemporaryDirectory root_;
  ServerProcess process_;
};

/// A container with 65,536 ids that the companion serves, made by runc: its hooks tell the companion, and mount /proc/sys, which runc
/// itself does not. The kernel's own procfs, of the same namespaces, is at /kernel. The program "probe" (probe.cpp) is in /bin.
class CompanionContainer {
 public:
  /// `edit` is for config.json, after everything else.
  explicit CompanionContainer(const Companion& companion, const RuncContainer::Edit& edit = {});
  CompanionContainer(const CompanionContainer&) = delete;
  CompanionContainer& operator=(const CompanionContainer&) = delete;
  ~CompanionContainer();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const RuncContainer& container() const { return *container_; }
  [[nodiscard]] pid_t pid() const { return container_->pid(); }
  /// Where its tree is mounted on the host.
  [[nodiscard]] std::filesystem::path tree() const { return companion_.root() / name_; }
  /// What the probe prints, run by root of the container; by others with options of runc exec, such as "--user". Throws
  /// std::runtime_error if it fails.
  [[nodiscard]] std::string probe(const std::vector<std::string>& arguments,
                                  const std::vector<std::string>& options = {}) const;
  /// A line of shell, likewise.
  [[nodiscard]] std::string shell(const std::string& line,
                                  const std::vector<std::string>& options = {}) const;

 private:
  const Companion& companion_;
  std::string name_;
  std::unique_ptr<RuncContainer> container_;
};

}  // namespace nsenterd::test

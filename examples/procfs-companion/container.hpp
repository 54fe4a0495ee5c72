// A container that is served: its first process, once there is one, and the limits that it has set. (Companion.)
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "container_process.hpp"

namespace procfs_companion {

class Container {
 public:
  /// `on_change` is called when the container has set a limit.
  Container(std::string name, std::function<void()> on_change)
      : name_(std::move(name)), on_change_(std::move(on_change)) {}

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Null before it is started.
  [[nodiscard]] const std::shared_ptr<const ContainerProcess>& process() const noexcept { return process_; }
  /// How long the host's processors had been idle then, in seconds, all of them together.
  [[nodiscard]] double idle_at_start() const noexcept { return idle_at_start_; }
  void start(std::shared_ptr<const ContainerProcess> process, double idle_at_start) {
    process_ = std::move(process);
    idle_at_start_ = idle_at_start;
  }

  using Limits = std::map<std::string, std::int64_t>;
  /// What it has set, by path. The host's values are those of all others.
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }
  void set_limit(const std::string& path, std::int64_t value) {
    limits_[path] = value;
    on_change_();
  }
  void restore_limits(Limits limits) { limits_ = std::move(limits); }

 private:
  std::string name_;
  std::function<void()> on_change_;
  std::shared_ptr<const ContainerProcess> process_;
  double idle_at_start_ = 0;
  Limits limits_;
};

}  // namespace procfs_companion

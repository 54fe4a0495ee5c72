// A daemon, and nsenterctl as its users run it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <sys/types.h>

#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/container.hpp"
#include "support/daemon.hpp"

namespace nsenterd::test {

struct CtlFixture {
  Daemon daemon;

  [[nodiscard]] CommandResult ctl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {program_under_test("NSENTERCTL"), "--socket", daemon.socket()});
    return run(arguments);
  }
  /// The output of a command that succeeds.
  [[nodiscard]] std::string of(std::vector<std::string> arguments) const {
    const CommandResult result = ctl(std::move(arguments));
    INFO(result.errors);
    CHECK(result.status == 0);
    return result.output;
  }
  /// A command that succeeds and says nothing.
  void quietly(std::vector<std::string> arguments) const { CHECK(of(std::move(arguments)).empty()); }
  /// A command whose operation fails with this errno, which it says in one line.
  void fails(const std::string& error, std::vector<std::string> arguments) const {
    const CommandResult result = ctl(std::move(arguments));
    INFO(result.errors);
    CHECK(result.status == 1);
    CHECK(result.output.empty());
    CHECK(result.errors.ends_with("(" + error + ")\n"));
    CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
  }
  /// Commands that are wrong, whatever the daemon would say.
  void refuses(const std::vector<std::vector<std::string>>& commands) const {
    for (const std::vector<std::string>& arguments : commands) {
      const CommandResult result = ctl(arguments);
      INFO(::Catch::StringMaker<std::vector<std::string>>::convert(arguments));
      CHECK(result.status == 2);
      CHECK(result.output.empty());
      CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
    }
  }
  /// Through a shell, for redirections: "CTL" stands for nsenterctl and its socket.
  [[nodiscard]] CommandResult shell(std::string line) const {
    const std::string ctl = program_under_test("NSENTERCTL") + " --socket " + daemon.socket().native();
    for (auto at = line.find("CTL"); at != std::string::npos; at = line.find("CTL")) line.replace(at, 3, ctl);
    return run({"/bin/sh", "-c", line});
  }
};

/// A container made by runc, with a user namespace or without, and nsenterctl aimed at it.
struct ContainerFixture : CtlFixture {
  explicit ContainerFixture(RuncContainer::UserNamespace user_namespace)
      : container(user_namespace),
        pid(std::to_string(container.pid())),
        first_id(user_namespace == RuncContainer::UserNamespace::mapped ? RuncContainer::kFirstId : 0) {}

  /// What the host calls a file of the container's.
  [[nodiscard]] std::string on_host(const std::string& path) const {
    return container.root().string() + path;
  }

  const RuncContainer container;
  const std::string pid;
  /// Root of the container, as the host numbers it.
  const uid_t first_id;
};

/// A process that sleeps in the container's mount and user namespaces. Ended when destroyed.
class Sleeper {
 public:
  /// nsenter(1) gets the options, and the program has to execute the container's sleep(1) in the end.
  Sleeper(const ContainerFixture& fixture, const std::vector<std::string>& nsenter_options,
          const std::vector<std::string>& program);
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper();

  [[nodiscard]] std::string pid() const { return std::to_string(pid_); }

 private:
  pid_t pid_ = 0;
};

}  // namespace nsenterd::test

#include "companion/served_companion.hpp"

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <sys/mount.h>
#include <unistd.h>

namespace nsenterd::test {
namespace {

namespace fs = std::filesystem;

std::string unused_name() {
  static std::atomic<int> count = 0;
  return "container-" + std::to_string(++count);
}

Json hook(const std::vector<std::string>& command) {
  return {{"path", command.front()}, {"args", command}};
}

Json bind_mount(const std::string& destination, const fs::path& source) {
  return {{"destination", destination}, {"type", "bind"}, {"source", source}, {"options", {"bind"}}};
}

void serve_by(const Companion& companion, const std::string& name, Json& config) {
  const fs::path tree = companion.root() / name / "proc";
  Json& mounts = config["mounts"];
  mounts.push_back({{"destination", "/kernel"}, {"type", "proc"}, {"source", "proc"}});
  for (const char* file : {"/proc/uptime", "/proc/swaps"}) {
    mounts.push_back(bind_mount(file, tree.parent_path().native() + file));
  }
  config["linux"]["readonlyPaths"] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sysrq-trigger"};
  // What it takes to set values of a net namespace.
  for (const char* set : {"bounding", "effective", "permitted"}) {
    config["process"]["capabilities"][set].push_back("CAP_NET_ADMIN");
  }
  const std::string program = program_under_test("PROCFS_COMPANION");
  config["hooks"]["createRuntime"].push_back(
      hook({program, "start", name, "--control", companion.process().socket()}));
  // In the container's namespaces, at what will be its root.
  config["hooks"]["createContainer"].push_back(
      hook({"/bin/busybox", "mount", "-o", "rbind", tree / "sys", "proc/sys"}));
}

std::string checked(const CommandResult& result) {
  if (result.status != 0) throw std::runtime_error(result.output + result.errors);
  return result.output;
}

}  // namespace

Companion::Companion(const Daemon& daemon)
    : process_({program_under_test("PROCFS_COMPANION"), "serve", "--socket", daemon.socket(), "--root",
                root(), "--control", "{socket}"}) {}

Companion::~Companion() {
  process_.end(SIGKILL);
  std::error_code ignored;
  // What it has left, as it was killed.
  for (const auto& entry : fs::directory_iterator(root(), ignored))
    ::umount2(entry.path().c_str(), MNT_DETACH);
}

CommandResult Companion::command(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), program_under_test("PROCFS_COMPANION"));
  arguments.insert(arguments.end(), {"--control", process_.socket()});
  return run(arguments);
}

CompanionContainer::CompanionContainer(const Companion& companion, const RuncContainer::Edit& edit)
    : companion_(companion), name_(unused_name()) {
  checked(companion.command({"add", name_}));
  container_ = std::make_unique<RuncContainer>(RuncContainer::UserNamespace::mapped, [&](Json& config) {
    serve_by(companion, name_, config);
    if (edit) edit(config);
  });
  const fs::path probe = container_->root() / "bin/probe";
  fs::copy_file(program_under_test("COMPANION_PROBE"), probe);
  container_->hand_over(probe);
}

CompanionContainer::~CompanionContainer() {
  container_.reset();
  // It may have been removed, or there may be no companion any more.
  static_cast<void>(companion_.command({"remove", name_}));
}

std::string CompanionContainer::probe(const std::vector<std::string>& arguments,
                                      const std::vector<std::string>& options) const {
  std::vector<std::string> command{"/bin/probe"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return checked(container_->exec_configured(command, options));
}

std::string CompanionContainer::shell(const std::string& line,
                                      const std::vector<std::string>& options) const {
  return checked(container_->exec_configured({"/bin/sh", "-c", line}, options));
}

}  // namespace nsenterd::test

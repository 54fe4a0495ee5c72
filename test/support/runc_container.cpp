#include <atomic>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "support/container.hpp"
#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// What `runc spec` gives, less what differs below, the cgroup mount (not every machine has one that runc
// likes) and the terminal.
constexpr char kConfig[] = R"({
  "ociVersion": "1.0.2",
  "process": {
    "user": {"uid": 0, "gid": 0},
    "args": ["sleep", "infinity"],
    "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
    "cwd": "/",
    "capabilities": {
      "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    },
    "noNewPrivileges": true
  },
  "root": {"path": "rootfs"},
  "hostname": "container",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
      "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
      "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
      "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}
  ],
  "linux": {
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
      {"type": "cgroup"}],
    "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
      "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
  }
})";

Json make_config(RuncContainer::UserNamespace user_namespace) {
  Json config = Json::parse(kConfig);
  if (user_namespace == RuncContainer::UserNamespace::mapped) {
    Json& linux_part = config["linux"];
    linux_part["namespaces"].push_back({{"type", "user"}});
    const Json mapping{{"containerID", 0}, {"hostID", RuncContainer::kFirstId}, {"size", 65536}};
    linux_part["uidMappings"] = Json::array({mapping});
    linux_part["gidMappings"] = Json::array({mapping});
  }
  return config;
}

std::string unused_name() {
  static std::atomic<int> count = 0;
  return "nsenterd-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

}  // namespace

RuncContainer::RuncContainer(UserNamespace user_namespace, const Edit& edit)
    : user_namespace_(user_namespace), name_(unused_name()) {
  try {
    make_bundle(edit);
    start();
  } catch (...) {
    remove();
    throw;
  }
}

RuncContainer::~RuncContainer() {
  remove();
}

void RuncContainer::hand_over(const fs::path& file) const {
  const uid_t owner = user_namespace_ == UserNamespace::mapped ? kFirstId : 0;
  if (::lchown(file.c_str(), owner, owner) != 0) {
    throw std::system_error(errno, std::generic_category(), "lchown " + file.string());
  }
}

void RuncContainer::make_bundle(const Edit& edit) {
  Json config = make_config(user_namespace_);
  if (edit) edit(config);
  std::ofstream(bundle_ / "config.json") << config.dump(2);
  make_root();
}

void RuncContainer::make_root() const {
  for (const char* directory : {"bin", "dev", "etc", "proc", "root", "sys", "tmp"}) {
    fs::create_directories(root() / directory);
  }
  fs::copy_file("/bin/busybox", root() / "bin/busybox");
  for (const char* applet :
       {"cat", "echo", "id", "ls", "mkdir", "mount", "readlink", "sh", "sleep", "stat", "umount", "wc"}) {
    fs::create_symlink("busybox", root() / "bin" / applet);
  }
  std::ofstream(root() / "etc/passwd") << "root:x:0:0:root:/root:/bin/sh\n";
  hand_over(root());
  for (const auto& entry : fs::recursive_directory_iterator(root())) hand_over(entry.path());
}

std::vector<std::string> RuncContainer::runc(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"runc", "--root", (bundle_ / "state").string()});
  return arguments;
}

CommandResult RuncContainer::exec_configured(const std::vector<std::string>& arguments,
                                             const std::vector<std::string>& options) const {
  std::vector<std::string> command{"exec"};
  command.insert(command.end(), options.begin(), options.end());
  command.push_back(name_);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(runc(std::move(command)), std::chrono::seconds(60));
}

pid_t RuncContainer::start_configured(const std::vector<std::string>& arguments) const {
  const std::string pid_file = bundle_ / "pid";
  std::vector<std::string> command{"exec", "-d", "--pid-file", pid_file, name_};
  command.insert(command.end(), arguments.begin(), arguments.end());
  if (run_detached(std::move(command)).status != 0) {
    throw std::runtime_error("runc exec failed: " + read_file(bundle_ / "log"));
  }
  return std::stoi(read_file(pid_file));
}

CommandResult RuncContainer::run_detached(std::vector<std::string> runc_arguments) const {
  const std::string line = "exec \"$@\" </dev/null >'" + (bundle_ / "log").string() + "' 2>&1";
  std::vector<std::string> command{"sh", "-c", line, "sh"};
  for (auto& word : runc(std::move(runc_arguments))) command.push_back(std::move(word));
  return run(command, std::chrono::seconds(30));
}

void RuncContainer::start() {
  if (run_detached({"run", "-d", "-b", bundle_.path().string(), name_}).status != 0) {
    throw std::runtime_error("runc run failed: " + read_file(bundle_ / "log"));
  }
  const Json state = Json::parse(test::output_of(runc({"state", name_})));
  pid_ = state.at("pid").get<pid_t>();
  // runc(1) returns when its own process is about to execute the program.
  if (!wait_until([&] { return process_name(pid_) == "sleep"; })) {
    throw std::runtime_error("the container's program did not start");
  }
}

void RuncContainer::remove() noexcept {
  // A destructor has nobody to tell; what is left behind carries the test's name.
  try {
    run(runc({"delete", "-f", name_}), std::chrono::seconds(30));
  } catch (const std::exception&) {
  }
}

}  // namespace nsenterd::test

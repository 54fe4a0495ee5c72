#include "seccomp/served_profile.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

namespace fs = std::filesystem;

RuncContainer::Edit edit_for(const SeccompAgent& agent, const Profile& profile) {
  return [&agent, &profile](Json& config) {
    config["linux"]["seccomp"] = {
        {"defaultAction", "SCMP_ACT_ALLOW"},
        {"listenerPath", agent.process().socket()},
        {"listenerMetadata", profile.metadata},
        {"syscalls", Json::array({{{"names", profile.calls}, {"action", "SCMP_ACT_NOTIFY"}}})}};
    if (!profile.masks_proc) {
      config["linux"].erase("maskedPaths");
      config["linux"].erase("readonlyPaths");
    }
    for (const char* set : {"bounding", "effective", "permitted"}) {
      for (const auto& name : profile.capabilities) config["process"]["capabilities"][set].push_back(name);
    }
  };
}

}  // namespace

PolicyFile::PolicyFile(const std::string& text) {
  std::string path = fs::temp_directory_path() / "nsenterd-test-XXXXXX";
  const UniqueFd file(::mkstemp(path.data()));
  if (!file) throw std::system_error(errno, std::generic_category(), "mkstemp");
  path_ = path;
  std::ofstream(path_) << text;
}

PolicyFile::~PolicyFile() {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

SeccompAgent::SeccompAgent(const std::string& policy)
    : policy_(policy),
      process_({program_under_test("SECCOMP_AGENT"), "--socket", "{socket}", "--policy", policy_.path()}) {
  // The connection that the agent was found to listen by is closed; then it holds what it always holds.
  wait_until([this] { return log().find("refused a connection") != std::string::npos; });
}

SeccompAgent::Holdings SeccompAgent::holdings() const {
  return {descriptors_of(process_.pid()).size(), children_of(process_.pid()).size()};
}

bool SeccompAgent::holds_only(const Holdings& before) const {
  return wait_until([&] {
    const Holdings now = holdings();
    return now.descriptors <= before.descriptors && now.children <= before.children;
  });
}

bool says(const SeccompAgent& agent, const std::string& text, std::size_t times) {
  return wait_until([&] {
    const std::string log = agent.log();
    std::size_t found = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
    return found >= times;
  });
}

ProfiledContainer::ProfiledContainer(UserNamespace user_namespace, const SeccompAgent& agent,
                                     const Profile& profile)
    : RuncContainer(user_namespace, edit_for(agent, profile)),
      first_id_(user_namespace == UserNamespace::mapped ? kFirstId : 0) {
  fs::copy_file(program_under_test("SECCOMP_PROBE"), path("/bin/probe"));
  hand_over(path("/bin/probe"));
}

std::string ProfiledContainer::probe(const std::vector<std::string>& arguments,
                                     const std::vector<std::string>& options) const {
  std::vector<std::string> command{"/bin/probe"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const CommandResult result = exec_configured(command, options);
  if (result.status != 0) throw std::runtime_error("probe: " + result.errors);
  return result.output.substr(0, result.output.find('\n'));
}

pid_t ProfiledContainer::start_probe(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command{"/bin/probe"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return start_configured(command);
}

void ProfiledContainer::put_directory(const std::string& inside, uid_t owner, mode_t mode) const {
  fs::create_directory(path(inside));
  if (::chmod(path(inside).c_str(), mode) != 0 ||
      ::chown(path(inside).c_str(), host_id(owner), host_id(owner)) != 0) {
    throw std::system_error(errno, std::generic_category(), inside);
  }
}

}  // namespace nsenterd::test

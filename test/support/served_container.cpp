#include "support/served_container.hpp"

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include "support/processes.hpp"

namespace nsenterd::test {
namespace {

void give(const std::filesystem::path& path, mode_t mode, uid_t owner, gid_t group) {
  // In this order: a change of owner clears the set-user-id bit.
  if (::chown(path.c_str(), owner, group) != 0 || ::chmod(path.c_str(), mode) != 0) {
    throw std::system_error(errno, std::generic_category(), path.string());
  }
}

}  // namespace

Json Personality::header() const {
  return {{"root", root}, {"cwd", cwd}, {"capabilities", {capabilities & 0xffffffffU, capabilities >> 32U}}};
}

ServedContainer::ServedContainer(Kind kind) : kind_(kind), container_(kind), client_(daemon_.socket()) {
  // The daemon has accepted this connection, and seen the end of the one that waited for it to start.
  client_.call("org.varlink.service.GetInfo");
  descriptors_ = descriptors_of(daemon_.pid()).size();
}

std::uint64_t ServedContainer::all_capabilities() const {
  // Who joins another user namespace has all of them there; who does not, those of the daemon.
  if (kind_ == Kind::none) return std::stoull(status_field(daemon_.pid(), "CapPrm"), nullptr, 16);
  return (std::uint64_t{2} << std::stoul(read_file("/proc/sys/kernel/cap_last_cap"))) - 1;
}

void ServedContainer::put_file(const std::string& inside, const std::string& content, mode_t mode,
                               uid_t owner, gid_t group) const {
  std::ofstream file(path(inside), std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path(inside).string());
  give(path(inside), mode, host_id(owner), host_id(group));
}

void ServedContainer::put_directory(const std::string& inside, mode_t mode, uid_t owner, gid_t group) const {
  std::filesystem::create_directories(path(inside));
  give(path(inside), mode, host_id(owner), host_id(group));
}

Json ServedContainer::parameters(const Json& message, const Personality& personality) const {
  Json parameters{{"pid", container_.pid()}, {"namespace", kContainerNamespaces}, {"request", message}};
  if (personality.uid) parameters["uid"] = host_id(*personality.uid);
  if (personality.gid) parameters["gid"] = host_id(*personality.gid);
  return parameters;
}

Json ServedContainer::reply(const Json& message, const Personality& personality, Json more_parameters) {
  Json all = parameters(message, personality);
  all.update(more_parameters);
  return client_.call("io.nsenterd.SendRequest", all);
}

Json ServedContainer::response(const Json& message, const Personality& personality) {
  const Json answer = reply(message, personality);
  if (!answer.contains("parameters") || answer.contains("error")) {
    throw std::runtime_error(message.value("message", "") + ": " + answer.dump());
  }
  return answer["parameters"].at("response");
}

int ServedContainer::error(const Json& message, const Personality& personality) {
  const Json answer = response(message, personality);
  return answer.at("message") == "errorResponse" ? answer.at("payload").at("code").get<int>() : 0;
}

bool ServedContainer::nothing_left() const {
  return wait_until(
      [this] { return daemon_.agents().empty() && descriptors_of(daemon_.pid()).size() == descriptors_; });
}

}  // namespace nsenterd::test

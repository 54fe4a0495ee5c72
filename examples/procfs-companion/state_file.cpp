#include "state_file.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "host_file.hpp"

namespace procfs_companion {
namespace {

using Json = nlohmann::json;

Json to_json(const Registration& registration) {
  Json json{{"name", registration.name}, {"limits", registration.limits}};
  if (const auto& process = registration.process) {
    json["process"] = {
        {"pid", process->pid}, {"startTime", process->start_time}, {"idleAtStart", process->idle_at_start}};
  }
  return json;
}

Registration from_json(const Json& json) {
  Registration registration{.name = json.at("name").get<std::string>(),
                            .process = std::nullopt,
                            .limits = json.at("limits").get<Container::Limits>()};
  if (const auto process = json.find("process"); process != json.end()) {
    registration.process = {.pid = process->at("pid").get<pid_t>(),
                            .start_time = process->at("startTime").get<std::uint64_t>(),
                            .idle_at_start = process->at("idleAtStart").get<double>()};
  }
  return registration;
}

}  // namespace

std::vector<Registration> read_state(const std::filesystem::path& file) {
  std::vector<Registration> registrations;
  const std::string text = read_host_file(file);
  if (text.empty()) return registrations;
  const Json state = Json::parse(text);
  registrations.reserve(state.size());
  for (const Json& json : state) registrations.push_back(from_json(json));
  return registrations;
}

void write_state(const std::filesystem::path& file, const std::vector<Registration>& registrations) {
  Json state = Json::array();
  for (const Registration& registration : registrations) state.push_back(to_json(registration));
  const std::filesystem::path written = file.native() + ".new";
  std::ofstream stream(written, std::ios::trunc);
  stream << state.dump() << '\n';
  stream.close();
  if (!stream) throw std::system_error(errno, std::generic_category(), written);
  std::filesystem::rename(written, file);
}

}  // namespace procfs_companion

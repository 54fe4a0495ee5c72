#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/ask.hpp"
#include "cli/commands.hpp"

namespace nsenterd::cli {
namespace {

struct ChangeOwner {
  Owner owner;
  std::vector<std::string> paths;
};

/// Nothing for -1, which leaves an id as it is.
std::optional<std::uint32_t> given_id(std::int64_t id) {
  return id < 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(id));
}

Outcome<void> chown(Session& session, const Options& options, const ChangeOwner& change) {
  requests::Chown request;
  request.entries.reserve(change.paths.size());
  for (const std::string& path : change.paths)
    request.entries.push_back({path, given_id(change.owner.uid), given_id(change.owner.gid)});
  return carry_out(session, options, request);
}

struct LookUp {
  std::string name;
  bool group = false;
};

std::string id_line(std::uint32_t id) {
  return std::to_string(id) + '\n';
}

Outcome<void> id(Session& session, const Options& options, const LookUp& wanted) {
  if (wanted.group) return ask_and_show(session, options, requests::GidInfo{.group = wanted.name}, id_line);
  return ask_and_show(session, options, requests::UidInfo{.user = wanted.name}, id_line);
}

}  // namespace

void declare_ownership_commands(Syntax& program) {
  const auto change = std::make_shared<ChangeOwner>();
  program.command("chown", "Change the owner of files; symbolic links are followed", with(change, chown))
      .target()
      .argument("OWNER", parse_owner, change->owner,
                "UID, UID:GID or :GID, as the container numbers them; -1 leaves one as it is")
      .arguments("PATH", change->paths, "Absolute paths as the container sees them")
      .json();
  const auto wanted = std::make_shared<LookUp>();
  program.command("id", "Print the uid that the container's /etc/passwd gives a user", with(wanted, id))
      .target()
      .argument("NAME", parse_text, wanted->name, "The user's, or the group's, name")
      .flag("--group", wanted->group, "Print the gid that /etc/group gives a group")
      .json();
}

}  // namespace nsenterd::cli

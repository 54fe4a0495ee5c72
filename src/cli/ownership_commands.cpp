#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/decode.hpp"

namespace nsenterd::cli {
namespace {

struct ChangeOwner {
  Owner owner;
  std::vector<std::string> paths;
};

Outcome<void> chown(Session& session, const Options& options, const ChangeOwner& change) {
  wire::Json list = wire::Json::array();
  for (const std::string& path : change.paths) {
    wire::Json element = wire::Json::object();
    element["target"] = path;
    element["uid"] = change.owner.uid;
    element["gid"] = change.owner.gid;
    list.push_back(std::move(element));
  }
  return carry_out(session, options, {"chownSyscallRequest", std::move(list)});
}

struct LookUp {
  std::string name;
  bool group = false;
};

struct UserId {
  std::uint32_t id = 0;
};

template <class Fields, wire::Describes<UserId> Payload>
void describe(Fields& fields, Payload& user) {
  fields.decimal("uid", user.id);
}

struct GroupId {
  std::uint32_t id = 0;
};

template <class Fields, wire::Describes<GroupId> Payload>
void describe(Fields& fields, Payload& group) {
  fields.decimal("gid", group.id);
}

template <class Id>
std::optional<std::string> show_id(const wire::Json& payload) {
  const auto found = decode<Id>(payload);
  if (!found) return std::nullopt;
  return std::to_string(found->id) + '\n';
}

Outcome<void> id(Session& session, const Options& options, const LookUp& wanted) {
  wire::Json payload = wire::Json::object();
  payload[wanted.group ? "group" : "user"] = wanted.name;
  const char* const type = wanted.group ? "gidInfoRequest" : "uidInfoRequest";
  return ask_and_show(session, options, {type, std::move(payload)},
                      wanted.group ? show_id<GroupId> : show_id<UserId>);
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

#include <memory>
#include <string>

#include <sys/mount.h>

#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/escape.hpp"
#include "cli/mount_options.hpp"
#include "cli/personality.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

struct Mount {
  std::string source;
  std::string type;
  std::string options;
};

struct Unmount {
  bool lazy = false;
  bool force = false;
  bool expire = false;
  bool no_follow = false;
};

Outcome<void> mount(Session& session, const Options& options, const Mount& mount) {
  const auto parsed = parse_mount_options(mount.options, mount.type);
  if (!parsed) return parsed.error();
  const bool takes_personality = mount.type == "overlay";
  if (!takes_personality && names_personality(options)) {
    return Stop{ExitStatus::usage, "mount: --as, --uid and --gid count for overlay only"};
  }
  Outcome<requests::Personality> personality = requests::Personality();
  if (takes_personality) personality = take_personality(session, options);
  if (!personality) return personality.error();
  requests::Mount request;
  request.entries.reserve(parsed->calls.size());
  for (const std::uint64_t flags : parsed->calls)
    request.entries.push_back({.target = options.path, .flags = flags, .personality = *personality});
  requests::Mount::Entry& first = request.entries.front();
  first.source = mount.source;
  first.type = mount.type;
  first.data = parsed->data;
  return carry_out(session, options, request);
}

Outcome<void> unmount(Session& session, const Options& options, const Unmount& unmount) {
  if (unmount.expire && (unmount.lazy || unmount.force)) {
    return Stop{ExitStatus::usage, "umount: --expire goes with neither --lazy nor --force"};
  }
  std::uint64_t flags = 0;
  if (unmount.lazy) flags |= MNT_DETACH;
  if (unmount.force) flags |= MNT_FORCE;
  if (unmount.expire) flags |= MNT_EXPIRE;
  if (unmount.no_follow) flags |= UMOUNT_NOFOLLOW;
  return carry_out(session, options, requests::Umount{.entries = {{.target = options.path, .flags = flags}}});
}

Outcome<void> mounts(Session& session, const Options& options) {
  return ask_and_show(session, options, requests::MountInfo{}, [](const std::string& table) {
    return output_is_terminal() ? escape_lines(table) : table;
  });
}

}  // namespace

void declare_mount_commands(Syntax& program) {
  const auto what = std::make_shared<Mount>();
  program.command("mount", "Mount a filesystem in the container", with(what, mount))
      .target()
      .argument("SOURCE", parse_text, what->source,
                "A device, a directory to bind, or what the type makes of it")
      .path("TARGET")
      .option("-t,--types", parse_text, what->type, "TYPE", "The filesystem's type, such as tmpfs")
      .option("-o,--options", parse_text, what->options, "OPTIONS",
              "As mount(8) has them, with commas between")
      .personality()
      .json();
  const auto how = std::make_shared<Unmount>();
  program.command("umount", "Unmount a filesystem of the container", with(how, unmount))
      .target()
      .path("TARGET")
      .flag("--lazy", how->lazy, "Detach it now, clean up when it is no longer busy")
      .flag("--force", how->force, "Abort what is under way, for network filesystems")
      .flag("--expire", how->expire, "Mark it, and unmount it only if it is still unused the second time")
      .flag("--no-follow", how->no_follow, "Do not follow TARGET if it is a symbolic link")
      .json();
  program.command("mounts", "Print the container's mountinfo as it is", mounts).target().json();
}

}  // namespace nsenterd::cli

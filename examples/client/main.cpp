// Sends every message there is to a container, through a daemon, in all the ways that the client library has. As root:
//   client-messages SOCKET PID       any process of the container, as the host numbers it
// Says what it does. The container is to have /mnt, where a tmpfs is for a moment, and /tmp on a filesystem with extended attributes, where
// the file client-messages stays.
#include <charconv>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "messages.hpp"
#include "ways.hpp"

namespace client_messages {
namespace {

struct Step {
  const char* name;
  std::string (*run)(Container& container);
};

/// In this order: the file of the first is that of most others, and what is mounted is unmounted.
constexpr Step kSteps[] = {
    {"openat2", openat2},
    {"writeFile", write_file},
    {"readFile", read_file},
    {"openFile", open_file},
    {"lookup", lookup},
    {"readDir", read_dir},
    {"readLink", read_link},
    {"chown", chown},
    {"setxattr", set_xattr},
    {"getxattr", get_xattr},
    {"listxattr", list_xattr},
    {"removexattr", remove_xattr},
    {"uidInfo", uid_info},
    {"gidInfo", gid_info},
    {"mount", mount},
    {"mountInfo", mount_info},
    {"mountInode", mount_inode},
    {"umount", umount},
    {"sleep", sleep},
    {"target by pidfd", target_by_pidfd},
    {"namespaces held open", namespaces_held_open},
    {"on behalf", on_behalf},
    {"several requests", several_requests},
    {"operation failed", operation_failed},
    {"timed out", timed_out},
    {"cancelled", cancelled},
    {"with a callback", with_callback},
    {"with a coroutine", with_coroutine},
    {"with a future", with_future},
    {"cancelled by a slot", cancelled_by_slot},
    {"event as target", event_as_target},
    {"response of an event", response_of_event},
};

int run_all(Container& container) {
  int status = EXIT_SUCCESS;
  for (const Step& step : kSteps) {
    try {
      const std::string done = step.run(container);
      std::cout << step.name << ": " << done << '\n';
    } catch (const std::exception& failure) {
      std::cout << step.name << " FAILED: " << failure.what() << '\n';
      status = EXIT_FAILURE;
    }
  }
  return status;
}

}  // namespace
}  // namespace client_messages

int main(int argc, char** argv) {
  pid_t pid = 0;
  const std::string_view number(argc == 3 ? argv[2] : "");
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), pid);
  if (error != std::errc() || end != number.data() + number.size()) {
    std::cerr << "usage: client-messages SOCKET PID\n";
    return 2;
  }
  client_messages::Container container{
      .pid = pid,
      .socket = argv[1],
      .envelope = {.target = pid, .namespaces = nsenterd::Namespaces::all()},
      .client = nsenterd::BlockingClient({.socket = argv[1]}),
  };
  return client_messages::run_all(container);
}

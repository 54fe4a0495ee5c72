// One function for each message. All say what they have done; all throw what value() of a result throws
// (nsenterd::ClientFailureException), or std::runtime_error where the container answers something else than it should.
#pragma once

#include <string>

#include "container.hpp"

namespace client_messages {

// files.cpp
std::string openat2(Container& container);
std::string write_file(Container& container);
std::string read_file(Container& container);
std::string open_file(Container& container);
std::string lookup(Container& container);
std::string read_dir(Container& container);
std::string read_link(Container& container);

// owners.cpp
std::string chown(Container& container);
std::string set_xattr(Container& container);
std::string get_xattr(Container& container);
std::string list_xattr(Container& container);
std::string remove_xattr(Container& container);
std::string uid_info(Container& container);
std::string gid_info(Container& container);

// mounts.cpp
std::string mount(Container& container);
std::string mount_info(Container& container);
std::string mount_inode(Container& container);
std::string umount(Container& container);
std::string sleep(Container& container);

}  // namespace client_messages

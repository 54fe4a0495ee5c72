// Which namespace a descriptor leads to that somebody else has opened (daemon, or a program that embeds the library).
#pragma once

#include <cstdint>
#include <optional>

#include <nsenterd/namespaces.hpp>

namespace nsenterd::service {

/// The inode number of the namespace; nothing if the descriptor is none of that kind that could be joined. One that was opened where it
/// is mounted (bind mounts, as ip-netns(8) makes them) is known as long as this process sees that mount.
/// Nothing is asked of the file itself, not even by fstat(2): its filesystem may be one that does not answer.
std::optional<std::uint64_t> inode_of_namespace(int descriptor, Namespace kind);

}  // namespace nsenterd::service

// Which namespace a link leads to (daemon, or a program that embeds the library).
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

namespace nsenterd::service {

/// The inode number in a text such as "net:[4026531840]" (namespaces(7)).
inline std::uint64_t inode_of_link(std::string_view link) {
  std::uint64_t inode = 0;
  const auto at = link.find('[');
  if (at != std::string_view::npos) std::from_chars(link.data() + at + 1, link.data() + link.size(), inode);
  return inode;
}

}  // namespace nsenterd::service

#include "operations/account_file.hpp"

#include <charconv>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>

#include "operations/read_up_to.hpp"

namespace nsenterd::operations {
namespace {

/// Ten thousand users and more.
constexpr std::size_t kMaxLength = 1U << 20U;

Result<std::string> read_account_file(const Context& context, const char* path) {
  const UniqueFd file = context.place.open(path, O_RDONLY);
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return path_error("open", path);
  if (S_ISDIR(status.st_mode)) return path_error("read", path, EISDIR);
  if (!S_ISREG(status.st_mode)) return path_error("read", path, EINVAL);
  std::string content;
  // The length that stat(2) tells may be a lie (FUSE), so it is not asked.
  if (!read_up_to(file.get(), 0, kMaxLength + 1, content)) return path_error("read", path);
  if (content.size() > kMaxLength) return path_error("read", path, EFBIG);
  return {boost::system::in_place_value, std::move(content)};
}

/// Takes what is before the separator, and the separator, off the text.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

std::optional<std::string> id_in_line(std::string_view line, std::string_view name) {
  if (take_until(line, ':') != name) return std::nullopt;
  take_until(line, ':');
  const std::string_view field = take_until(line, ':');
  std::uint32_t id = 0;
  const auto [stop, error] = std::from_chars(field.data(), field.data() + field.size(), id);
  // The highest number is no id.
  if (error != std::errc() || stop != field.data() + field.size() || id + 1 == 0) return std::nullopt;
  return std::to_string(id);
}

}  // namespace

Result<std::string> find_id(const Context& context, const char* file, const char* what,
                            const std::string& name) {
  const auto content = read_account_file(context, file);
  if (!content) return content.error();
  for (std::string_view left = *content; !left.empty();) {
    if (auto id = id_in_line(take_until(left, '\n'), name)) return {boost::system::in_place_value, *id};
  }
  std::string text(what);
  text.append(": unknown ").append(what).append(" ").append(name);
  return plain_error(EIO, text);
}

}  // namespace nsenterd::operations

// Several messages in one text, and texts that are no such list.
#include "wire/message_list.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace nsenterd::wire {
namespace {

std::vector<std::string> taken_from(std::string_view list) {
  std::vector<std::string> messages;
  while (const auto message = take_from_list(list)) messages.emplace_back(message->text);
  return messages;
}

TEST_CASE("Messages are taken off a list in the order in which they were added") {
  const std::vector<std::string> messages{"one", "", std::string("t\0o", 3), std::string(100000, 'x')};
  std::string list;
  for (const std::string& message : messages) append_to_list(list, {message});
  CHECK(taken_from(list) == messages);
  std::string_view left = list;
  CHECK(take_from_list(left)->text == "one");
  CHECK(left.size() < list.size());
}

TEST_CASE("A message of a list says whether it changes the process") {
  std::string list;
  append_to_list(list, {"does", true});
  append_to_list(list, {"does not", false});
  std::string_view left = list;
  CHECK(take_from_list(left) == ListedMessage{"does", true});
  CHECK(take_from_list(left) == ListedMessage{"does not", false});
}

TEST_CASE("Of a list that is cut short, only the whole messages are taken") {
  std::string list;
  append_to_list(list, {"first"});
  const std::size_t first = list.size();
  append_to_list(list, {"second"});
  for (std::size_t size = 0; size < list.size(); ++size) {
    CAPTURE(size);
    CHECK(taken_from(std::string_view(list).substr(0, size)).size() == (size < first ? 0 : 1));
  }
  CHECK(taken_from(std::string(8, '\xff') + "much less than that").empty());
}

}  // namespace
}  // namespace nsenterd::wire

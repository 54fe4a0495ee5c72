#include "service/requests.hpp"

#include <optional>
#include <utility>

#include "operations/table.hpp"
#include "wire/message.hpp"
#include "wire/message_list.hpp"

namespace nsenterd::service {
namespace {

/// Returns what is wrong with the message, as a path inside of it.
std::optional<std::string> add(CheckedRequests& requests, const Message& message, bool is_list) {
  const operations::Operation* const operation = operations::find_operation(message.type);
  // An event has one descriptor at most.
  if (operation == nullptr || (operation->answers_with_descriptor && requests.answers_with_descriptor))
    return "message";
  auto checked = operation->check(message.payload);
  if (!checked) {
    const std::string& field = checked.error().field;
    const char* const separator = field.empty() || field.front() == '[' ? "" : ".";
    return "payload" + (separator + field);
  }
  std::string text = wire::join_message(message.type, std::move(checked->payload));
  if (is_list) {
    wire::append_to_list(requests.text, text);
  } else {
    requests.text = std::move(text);
  }
  requests.needs.procfs |= checked->needs.procfs;
  requests.needs.sysfs |= checked->needs.sysfs;
  requests.only_read &= operation->only_reads;
  requests.answers_with_descriptor |= operation->answers_with_descriptor;
  requests.forks = requests.takes_personality;
  requests.takes_personality |= operation->takes_personality;
  if (requests.first == nullptr) {
    requests.first = operation;
  } else {
    requests.following.push_back(operation);
  }
  return std::nullopt;
}

}  // namespace

Result<CheckedRequests> check_requests(const Message& first, const std::vector<Message>& following) {
  if (following.size() > kMaxFollowingRequests) return Failure(InvalidParameter{"followingRequests"});
  CheckedRequests requests;
  if (auto wrong = add(requests, first, !following.empty()))
    return Failure(InvalidParameter{"request." + *wrong});
  for (std::size_t i = 0; i < following.size(); ++i) {
    if (auto wrong = add(requests, following[i], true))
      return Failure(InvalidParameter{"followingRequests[" + std::to_string(i) + "]." + *wrong});
  }
  return requests;
}

}  // namespace nsenterd::service

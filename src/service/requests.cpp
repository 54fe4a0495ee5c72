#include "service/requests.hpp"

#include <optional>
#include <utility>

#include "operations/table.hpp"
#include "wire/message.hpp"
#include "wire/message_list.hpp"

namespace nsenterd::service {
namespace {

/// Returns what is wrong with the message, as a path inside of it.
std::optional<std::string> add(CheckedRequests& requests, const Message& message) {
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
  requests.is_list |= checked->takes_personality;
  if (requests.is_list) {
    wire::append_to_list(requests.text, {text, checked->takes_personality});
  } else {
    requests.text = std::move(text);
  }
  requests.needs.mounts.procfs |= checked->needs.procfs;
  requests.needs.mounts.sysfs |= checked->needs.sysfs;
  // A warm agent would be another one afterwards.
  requests.needs.only_reads &= operation->only_reads && !checked->takes_personality;
  requests.answers_with_descriptor |= operation->answers_with_descriptor;
  requests.needs.forks = requests.needs.takes_personality;
  requests.needs.takes_personality |= checked->takes_personality;
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
  requests.is_list = !following.empty();
  if (auto wrong = add(requests, first)) return Failure(InvalidParameter{"request." + *wrong});
  for (std::size_t i = 0; i < following.size(); ++i) {
    if (auto wrong = add(requests, following[i]))
      return Failure(InvalidParameter{"followingRequests[" + std::to_string(i) + "]." + *wrong});
  }
  return requests;
}

}  // namespace nsenterd::service

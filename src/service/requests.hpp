// The requests of one event, checked (daemon, or a program that embeds the library).
#pragma once

#include <string>
#include <vector>

#include <nsenterd/event.hpp>

#include "operations/operation.hpp"

namespace nsenterd::service {

struct CheckedRequests {
  /// What is to answer the first, and each of those that follow it.
  const operations::Operation* first = nullptr;
  std::vector<const operations::Operation*> following;
  /// What the agent is sent: the message, or a list of several (wire/message_list.hpp). Until the agent that has it is known to be
  /// the right one.
  std::string text;
  /// Of all of them together.
  operations::PrivateMountNeeds needs;
  bool takes_personality = false;
  /// Whether none of them changes anything.
  bool only_read = true;
  bool answers_with_descriptor = false;
  /// Whether the agent forks, because one of them that is not the last takes a personality.
  bool forks = false;

  [[nodiscard]] std::size_t count() const noexcept { return 1 + following.size(); }
  [[nodiscard]] const operations::Operation& operation(std::size_t index) const {
    return index == 0 ? *first : *following.at(index - 1);
  }
};

/// Fails with the path of what is wrong, such as "followingRequests[1].payload.file".
Result<CheckedRequests> check_requests(const Message& first, const std::vector<Message>& following);

}  // namespace nsenterd::service

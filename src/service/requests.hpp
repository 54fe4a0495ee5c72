// The requests of one event, checked (daemon, or a program that embeds the library).
#pragma once

#include <string>
#include <vector>

#include <nsenterd/event.hpp>

#include "operations/operation.hpp"
#include "service/exchange.hpp"

namespace nsenterd::service {

struct CheckedRequests {
  /// What is to answer the first, and each of those that follow it.
  const operations::Operation* first = nullptr;
  std::vector<const operations::Operation*> following;
  /// What the agent is sent: the message, or a list (wire/message_list.hpp). Until the agent that has it is known to be
  /// the right one.
  std::string text;
  /// Of several, or of one that changes the agent.
  bool is_list = false;
  /// Of all of them together. The agent forks where one of them that is not the last takes a personality.
  ExchangeNeeds needs{.only_reads = true};
  bool answers_with_descriptor = false;

  [[nodiscard]] std::size_t count() const noexcept { return 1 + following.size(); }
  [[nodiscard]] const operations::Operation& operation(std::size_t index) const {
    return index == 0 ? *first : *following.at(index - 1);
  }
};

/// Fails with the path of what is wrong, such as "followingRequests[1].payload.file".
Result<CheckedRequests> check_requests(const Message& first, const std::vector<Message>& following);

}  // namespace nsenterd::service

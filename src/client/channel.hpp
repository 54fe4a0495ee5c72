// One connection to a Varlink service, and the call that is under way on it, without ever waiting (client's side).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <nsenterd/unique_fd.hpp>

#include "client/reply.hpp"
#include "wire/descriptors.hpp"
#include "wire/json.hpp"

namespace nsenterd::client {

/// What a channel waits for.
enum class Wait : std::uint8_t { readable, writable };

/// One call at a time. Not thread-safe. Never raises SIGPIPE.
class Channel {
 public:
  /// TransportFailure with EAGAIN where the service's backlog is full.
  static Result<Channel> connect(const std::string& path);

  void begin(OutgoingCall call);
  /// The last call, for another channel to make it, or so that it takes up no memory; neither does its answer any more.
  OutgoingCall take_back() noexcept;
  /// Whether the whole call has been sent.
  [[nodiscard]] bool is_sent() const noexcept { return sent_ == call_.text.size(); }

  /// Goes on with the call as far as it can: to a reply, or to what has to be waited for until it is called again. Where a
  /// reply continues, it is to be called for the next. After TransportFailure the channel is of no use any more.
  std::variant<Wait, Result<Reply>> advance();

  /// Whether another call can be begun when the one under way has been answered.
  [[nodiscard]] bool is_usable() const noexcept { return usable_; }
  /// Gives up the call under way, as the service sees: a late answer would be taken for that of the next. The socket stays open until
  /// the channel is destroyed, so that its number remains its own.
  void abandon() noexcept;
  [[nodiscard]] int socket() const noexcept { return socket_.get(); }

 private:
  explicit Channel(UniqueFd socket) noexcept : socket_(std::move(socket)) {}

  std::variant<Wait, Result<Reply>> send();
  /// The error that sending came to, or the refusal that the service gave before.
  Result<Reply> fail_to_send(int error);
  std::variant<Wait, Result<Reply>> receive();
  Result<Reply> take_reply(std::size_t end);
  Result<Reply> fail(std::string_view step, int error, bool may_have_run);

  UniqueFd socket_;
  bool usable_ = true;
  // Of the call under way: how much has been sent, and what has arrived since the last reply.
  OutgoingCall call_;
  std::size_t sent_ = 0;
  std::string input_;
  std::size_t searched_ = 0;
  ReplyDescriptors descriptors_;
};

}  // namespace nsenterd::client

#include "call.hpp"

#include <cerrno>
#include <utility>

#include <boost/asio/post.hpp>

namespace procfs_companion {

Call::Call(fuse_req_t request, std::shared_ptr<void> session, boost::asio::any_io_executor executor) noexcept
    : request_(request), session_(std::move(session)), executor_(std::move(executor)) {}

Call::~Call() {
  if (request_ != nullptr) fail(EIO);
}

CallerIds Call::caller() const noexcept {
  const fuse_ctx* context = ::fuse_req_ctx(request_);
  return {.tid = context->pid, .uid = context->uid, .gid = context->gid};
}

boost::asio::cancellation_slot Call::cancellable() {
  // libfuse calls the function from where it reads requests, with its locks held, and at once if the signal has come already; never
  // after the answer, as all is on one thread and the answer takes the request off its list.
  ::fuse_req_interrupt_func(
      request_, [](fuse_req_t /*request*/, void* call) { static_cast<Call*>(call)->cancel(); }, this);
  return cancellation_.slot();
}

void Call::cancel() {
  boost::asio::post(executor_, [weak = weak_from_this()] {
    if (const auto call = weak.lock()) call->cancellation_.emit(boost::asio::cancellation_type::terminal);
  });
}

fuse_req_t Call::take() noexcept {
  return std::exchange(request_, nullptr);
}

// An answer that the kernel does not take is one to a caller that is gone.

void Call::fail(int error) {
  ::fuse_reply_err(take(), error);
}

void Call::answer_none() {
  ::fuse_reply_none(take());
}

void Call::answer_attributes(const struct stat& attributes, double timeout) {
  ::fuse_reply_attr(take(), &attributes, timeout);
}

bool Call::answer_entry(const fuse_entry_param& entry) {
  return ::fuse_reply_entry(take(), &entry) == 0;
}

bool Call::answer_open(const fuse_file_info& file) {
  return ::fuse_reply_open(take(), &file) == 0;
}

void Call::answer_bytes(std::string_view bytes) {
  ::fuse_reply_buf(take(), bytes.data(), bytes.size());
}

void Call::answer_count(std::size_t count) {
  ::fuse_reply_write(take(), count);
}

void Call::answer_length(std::size_t length) {
  ::fuse_reply_xattr(take(), length);
}

void Call::answer_link(const char* target) {
  ::fuse_reply_readlink(take(), target);
}

void Call::answer_filesystem(const struct statvfs& status) {
  ::fuse_reply_statfs(take(), &status);
}

}  // namespace procfs_companion

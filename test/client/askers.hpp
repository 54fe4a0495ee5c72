// The two clients, so that one test can be about both.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <nsenterd/blocking_client.hpp>
#include <nsenterd/client.hpp>

namespace nsenterd::test {

/// A client, asynchronous or blocking, that is asked one thing after the other.
class Asker {
 public:
  Asker() = default;
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  virtual ~Asker() = default;

  virtual ClientResult<Response> send(const Envelope& envelope, const Message& request) = 0;
  /// Cancelled after that time.
  virtual ClientResult<Response> send_cancelled(const Envelope& envelope, const Message& request,
                                                std::chrono::milliseconds after) = 0;

  template <Request R>
  ClientResult<typename R::Response> ask(const Envelope& envelope, const R& request) {
    auto response = send(envelope, request.message());
    if (!response) return response.error();
    return R::decode(*response);
  }
};

enum class AskerKind { asynchronous, blocking };
std::unique_ptr<Asker> make_asker(AskerKind kind, ClientOptions options);

/// Enters all namespaces of a process.
inline Envelope into(pid_t pid) {
  return {.target = pid, .namespaces = Namespaces::all()};
}

/// The failure of one type that a result is; throws std::runtime_error, with what it is, if it is none such.
template <class F, class T>
F failure_of(const ClientResult<T>& result) {
  if (result) throw std::runtime_error("no failure");
  const ClientFailure failure = result.error();
  if (const auto* found = std::get_if<F>(&failure)) return *found;
  throw std::runtime_error(to_string(failure));
}

}  // namespace nsenterd::test

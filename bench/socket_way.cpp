#include "way.hpp"

namespace nsenterd::bench {
namespace {

class Socket final : public Way {
 public:
  Socket(const std::vector<Request>& requests, const test::ServerProcess& daemon)
      : daemon_(daemon), client_(daemon.socket()), response_type_(response_type(requests.front())) {
    for (const Request& request : requests) calls_.push_back(send_request_call(request));
  }

  void run(std::size_t events, Samples& samples) override {
    for (std::size_t i = 0; i < events; ++i) {
      const std::string& call = calls_[next_];
      next_ = (next_ + 1) % calls_.size();
      const auto begin = Clock::now();
      client_.exchange(call);
      const auto time = std::chrono::nanoseconds(Clock::now() - begin);
      samples.answered.push_back(static_cast<std::uint64_t>(time.count()));
      client_.expect(response_type_);
    }
  }

  [[nodiscard]] std::optional<pid_t> service() const override { return daemon_.pid(); }

 private:
  const test::ServerProcess& daemon_;
  Client client_;
  std::string response_type_;
  std::vector<std::string> calls_;
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Way> make_socket(const std::vector<Request>& requests, const test::ServerProcess& daemon) {
  return std::make_unique<Socket>(requests, daemon);
}

}  // namespace nsenterd::bench

#include <optional>
#include <stdexcept>

#include <boost/asio/io_context.hpp>

#include <nsenterd/service.hpp>

#include "way.hpp"

namespace nsenterd::bench {
namespace {

std::uint64_t since(Clock::time_point begin) {
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - begin).count());
}

class Library final : public Way {
 public:
  Library(const Request& request, const std::string& agent, Agents agents)
      : service_(NSenterService::create(
                     context_.get_executor(),
                     {.agent = agent, .warm_agents = {.agents = agents == Agents::warm ? 1U : 0U}})
                     .value()),
        target_(request.target),
        message_(message_of(request)),
        answer_(std::string(R"({"message":")") + response_type(request) + '"') {}

  void run(std::size_t events, Samples& samples) override {
    for (std::size_t i = 0; i < events; ++i) {
      std::optional<Result<void>> outcome;
      bool gone = false;
      const auto begin = Clock::now();
      auto event = service_.new_event(target_, 0, 0, Namespaces::all(), 0, message_, {}, false);
      service_.send_request(event, [&](Result<void> result) {
        samples.answered.push_back(since(begin));
        outcome = std::move(result);
      });
      while (!outcome) context_.run_one();
      // Of an event that has ended this is the way to wait for the end of its processes.
      service_.terminate_request(event, [&](const Result<void>& /*result*/) {
        samples.complete.push_back(since(begin));
        gone = true;
      });
      while (!gone) context_.run_one();
      outcome->value();
      if (!event.response_text().starts_with(answer_))
        throw std::runtime_error(event.response().payload.dump());
    }
  }

 private:
  // One thread runs it, which spares Asio its locks.
  boost::asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
  NSenterService service_;
  pid_t target_;
  Message message_;
  // What the answer begins with.
  std::string answer_;
};

}  // namespace

std::unique_ptr<Way> make_library(const Request& request, const std::string& agent, Agents agents) {
  return std::make_unique<Library>(request, agent, agents);
}

}  // namespace nsenterd::bench

// How a handler that was given to an asynchronous operation is kept until it is called.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>

namespace nsenterd {

/// Wraps a handler of any kind, which may be called once: kept with its executor's work, and run there.
template <class Outcome, class Handler>
std::function<void(Outcome)> keep_handler(Handler handler,
                                          const boost::asio::any_io_executor& default_executor) {
  const auto executor = boost::asio::get_associated_executor(handler, default_executor);
  using Kept = std::pair<Handler, decltype(boost::asio::make_work_guard(executor))>;
  auto kept = std::make_shared<Kept>(std::move(handler), boost::asio::make_work_guard(executor));
  return [kept = std::move(kept)](Outcome outcome) {
    const auto where = kept->second.get_executor();
    boost::asio::dispatch(where, [kept, outcome = std::move(outcome)]() mutable {
      auto final_handler = std::move(kept->first);
      kept->second.reset();
      std::move(final_handler)(std::move(outcome));
    });
  };
}

}  // namespace nsenterd

// A module's call and its result: what the event of a run gives its agent to do (a program that embeds the library).
#pragma once

#include <string>
#include <vector>

#include <nsenterd/event.hpp>
#include <nsenterd/module.hpp>

#include "service/exchange.hpp"

namespace nsenterd::service {

class ModuleExchange final : public Exchange {
 public:
  explicit ModuleExchange(const ModuleRun& run);

  /// Whom to join, and until when.
  [[nodiscard]] const EventParameters& parameters() const noexcept { return parameters_; }
  [[nodiscard]] ModuleData take_result() noexcept { return std::move(result_); }

  Result<ExchangeNeeds> check() override;
  base::Result<void> give(AgentChannel& channel) override;
  void forget_request() override;
  [[nodiscard]] std::size_t longest_frame() const override;
  std::optional<Result<void>> take(Frame frame) override;
  void clear() override { result_ = {}; }
  [[nodiscard]] std::size_t size() const override { return result_.bytes.size(); }

 private:
  EventParameters parameters_;
  // What is wrong with the run, if anything is.
  std::string wrong_;
  // The body of the frame.
  std::string call_;
  std::vector<UniqueFd> descriptors_;
  std::size_t max_result_;
  ModuleData result_;
};

}  // namespace nsenterd::service

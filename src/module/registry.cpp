#include "module/registry.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

namespace nsenterd::module {
namespace {

struct Module {
  std::string name;
  Function function;
};

struct Registry {
  // Every run makes it anew: a list of what are few takes the fewest pages.
  std::vector<Module> modules;
  bool initialized = false;
};

/// Made at the first use: static initialisers may register modules.
Registry& registry() {
  static Registry the_registry;
  return the_registry;
}

}  // namespace

const Function* find(std::string_view name) noexcept {
  const auto& modules = registry().modules;
  const auto found = std::find_if(modules.begin(), modules.end(),
                                  [name](const Module& module) { return module.name == name; });
  return found != modules.end() ? &found->function : nullptr;
}

bool is_initialized() noexcept {
  return registry().initialized;
}

void set_initialized() noexcept {
  registry().initialized = true;
}

void add(std::string name, Function function) {
  Registry& all = registry();
  if (all.initialized) throw std::logic_error("module " + name + " is registered after init()");
  if (find(name) != nullptr) throw std::logic_error("module " + name + " is registered twice");
  all.modules.push_back({std::move(name), std::move(function)});
}

}  // namespace nsenterd::module

// The modules of this program by their names (the program itself, and the process that runs one).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nsenterd/module.hpp>

namespace nsenterd::module {

using Function = std::function<ModuleData(ModuleData)>;

/// Throws std::logic_error if there is one of that name, or after set_initialized().
void add(std::string name, Function function);

/// Null if there is none of that name.
const Function* find(std::string_view name) noexcept;

/// Whether init() has been called: whoever is forked now will know the same modules.
bool is_initialized() noexcept;
void set_initialized() noexcept;

}  // namespace nsenterd::module

// Tells a companion what to do, and waits until it is done. (Command line.)
#pragma once

#include <filesystem>

#include <nlohmann/json.hpp>

namespace procfs_companion {

/// What it answers. Throws std::exception if it is not there, or refuses: then with its text.
nlohmann::json tell(const std::filesystem::path& control_socket, const nlohmann::json& command);

}  // namespace procfs_companion

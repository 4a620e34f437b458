// The window: GLFW, OpenGL 3 and Dear ImGui, and the keys that were pressed.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "cinebokeh/core/image.hpp"

struct GLFWwindow;

namespace cinebokeh::demo {

struct WindowParams {
    std::string title;
    int width = 1280, height = 800;
    bool fullscreen = false;
};

class Window {
public:
    /// Throws Error, saying why, where there is no display or no OpenGL 3.
    explicit Window(const WindowParams& params);
    ~Window();
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    /// Begins a frame of the interface. False where the user closed the window.
    bool begin();
    /// Draws it and waits for the display.
    void end();
    void toggle_fullscreen();
    void close();

    /// Keys pressed since the last frame, as GLFW_KEY_*; none while text is typed.
    const std::vector<int>& keys() const { return keys_; }
    /// Size of the interface in points.
    Float2 size() const;
    /// What the window shows now, as a PNG. To be called between begin() and end(); shows the frame before.
    void save_screenshot(const std::filesystem::path& file) const;

private:
    static void on_key(GLFWwindow* window, int key, int scancode, int action, int modifiers);
    void open(const WindowParams& params);

    GLFWwindow* window_ = nullptr;
    std::vector<int> pressed_, keys_;
    int windowed_[4] = {0, 0, 1280, 800};  // place and size outside of fullscreen
    bool fullscreen_ = false;
};

/// A picture on the graphics card.
class Texture {
public:
    Texture() = default;
    ~Texture();
    Texture(const Texture&) = delete;
    Texture& operator=(const Texture&) = delete;

    /// Replaces the picture. Rows must follow each other without a gap.
    void upload(HostImage<const Rgba8> picture);
    /// As ImGui takes it; null before the first upload.
    void* id() const;
    Size size() const { return size_; }
    /// Pixels as squares, for looking closely, or smoothly mixed.
    void set_smooth(bool smooth);

private:
    unsigned name_ = 0;
    Size size_;
};
}  // namespace cinebokeh::demo

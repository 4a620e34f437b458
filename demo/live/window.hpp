// The window: GLFW, OpenGL 3 and Dear ImGui, and the keys that were pressed.
#pragma once
#include <string>
#include <vector>

#include "image_file.hpp"

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

    /// Waits until there is something to show (an event, or wake()), for up to `patience` seconds, and begins a frame
    /// of the interface: at most sixty a second. False where the user closed the window.
    bool begin(double patience);
    /// Ends the wait of begin(). May be called on any thread while the window is open.
    static void wake();
    /// Draws it and waits for the display. What it shows is copied to `shot` where one is given.
    void end(Picture* shot = nullptr);
    void toggle_fullscreen();
    void close();

    /// Keys pressed since the last frame, as GLFW_KEY_*; none while text is typed.
    const std::vector<int>& keys() const { return keys_; }
    /// Buttons, keys and turns of the wheel so far, presses and releases alike.
    long events() const { return events_; }
    /// Seconds since the last event, or movement of the mouse.
    double idle() const;
    /// Size of the interface in points.
    Float2 size() const;

private:
    static Window& of(GLFWwindow* window);
    static void on_key(GLFWwindow* window, int key, int scancode, int action, int modifiers);
    static void on_button(GLFWwindow* window, int button, int action, int modifiers);
    static void on_scroll(GLFWwindow* window, double dx, double dy);
    static void on_move(GLFWwindow* window, double x, double y);
    void happened();
    void open(const WindowParams& params);
    static Picture read_back(int width, int height);

    GLFWwindow* window_ = nullptr;
    std::vector<int> pressed_, keys_;
    int windowed_[4] = {0, 0, 1280, 800};  // place and size outside of fullscreen
    bool fullscreen_ = false;
    long events_ = 0;
    double used_at_ = 0, begun_at_ = 0;  // seconds of GLFW
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
    /// Makes room for a picture that is then written into name().
    void resize(Size size);
    unsigned name() const { return name_; }
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

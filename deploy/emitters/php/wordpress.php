<?php
/**
 * Plugin Name: Affluenza
 * Description: Reports accesses to pages and completed procedures. The guide "In your CMS" explains the settings.
 */

declare(strict_types=1);

require_once __DIR__ . '/autoload.php';

/** Reports that a service was used, to be called at the end of a procedure. */
function affluenza_service_use(string $service, string $kind = 'plain'): void
{
    $emitter = new Affluenza\Emitter(AFFLUENZA_URL, AFFLUENZA_KEY, home_url(), AFFLUENZA_SPOOL);
    $emitter->serviceUse([
        'ente' => AFFLUENZA_ENTE,
        'portal' => AFFLUENZA_PORTAL,
        'service' => $service,
        'kind' => $kind,
        'client' => ['ip' => $_SERVER['REMOTE_ADDR'] ?? '', 'user_agent' => $_SERVER['HTTP_USER_AGENT'] ?? ''],
    ]);
    $emitter->deliverAfterResponse();
}

add_action('affluenza_service_use', 'affluenza_service_use', 10, 2);

// A procedure of the theme ends with a new post of its type.
add_action('wp_insert_post', function (int $id, WP_Post $post, bool $isUpdate): void {
    $use = AFFLUENZA_USES[$post->post_type] ?? null;
    if ($use !== null && !$isUpdate && $post->post_status !== 'auto-draft') {
        affluenza_service_use(...$use);
    }
}, 10, 3);

add_action('wp_head', function (): void {
    $service = (string) get_post_meta(get_queried_object_id(), 'affluenza_service', true);
    printf(
        '<script async src="%s" data-page="%s"%s></script>' . "\n",
        esc_url(AFFLUENZA_URL . '/v1/visite.js'),
        esc_attr(AFFLUENZA_PAGE),
        $service === '' ? '' : ' data-service="' . esc_attr($service) . '"',
    );
});
